//! The walls between the rooms of src/.
