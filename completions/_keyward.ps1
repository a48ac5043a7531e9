# Completion for PowerShell 7: asks keyward at each Tab. What was typed goes to its stdin and is never expanded.

Register-ArgumentCompleter -Native -CommandName keyward -ScriptBlock {
    param($word, $command, $cursor)
    $before = $command.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursor }
    $words = @($before | ForEach-Object { if ($_.Value -is [string]) { $_.Value } else { $_.Extent.Text } }) + $word.Trim('"', "'")
    $typed = -join ($words | ForEach-Object { "$_`0" })
    $kind, $lines = @($typed | keyward completions powershell --answer 2>$null)
    if ($kind -ne 'values') { return }
    foreach ($line in $lines) {
        $value, $about = $line -split "`t", 2
        $text = $value
        if ($value -notmatch '^[\w./=-]+$') {
            $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($value) + "'"
        }
        if (-not $about) { $about = $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $about)
    }
}
