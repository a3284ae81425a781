/** The lines of a shell script, each joined with its continuation lines: after a backslash, in an open quote, or in a here-document. */
export const statementsOf = (text: string): ReadonlyArray<string> => {
  const statements: Array<string> = []
  let open: Array<string> = []
  let heredoc: string | undefined
  for (const line of text.split("\n")) {
    if (open.length === 0 && /^\s*(#|$)/.test(line)) continue
    open.push(line)
    if (heredoc === undefined) heredoc = /<<-?'?(\w+)'?/.exec(line)?.[1]
    else if (line === heredoc) heredoc = undefined
    if (heredoc !== undefined || line.endsWith("\\") || hasOpenQuote(open.join("\n"))) continue
    statements.push(open.join("\n"))
    open = []
  }
  return open.length === 0 ? statements : [...statements, open.join("\n")]
}

/** The comment at the end of a statement, without its `#`. */
export const commentOf = (statement: string): string => /\s#\s*(.*)$/.exec(withoutQuotes(statement))?.[1] ?? ""

const quoted = /'[^']*'|"(?:\\.|[^"\\])*"/g
const withoutQuotes = (text: string) => text.replace(quoted, (found) => "q".repeat(found.length))
const hasOpenQuote = (text: string) => /['"]/.test(withoutQuotes(text).replace(/\s#.*$/gm, ""))

/** A program with its arguments. */
export interface ShellCommand {
  readonly program: string
  readonly words: ReadonlyArray<string>
}

const operators = new Set(["|", "||", "&&", ";", "&"])

/** The words of a statement. An operator is a separate word. The content of `$(…)` goes to `inner`. */
const wordsOf = (statement: string, inner: Array<string>): ReadonlyArray<string> => {
  const text = statement.split(/<<-?'?\w+'?/)[0]?.replace(/\\\n/g, " ") ?? ""
  const words: Array<string> = []
  let word: string | undefined
  const add = (more: string) => {
    word = (word ?? "") + more
  }
  const end = () => {
    if (word !== undefined) words.push(word)
    word = undefined
  }
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at)
    const [substitution] = /^\$\([^()]*\)/.exec(rest) ?? []
    const [string] = /^(?:'[^']*'|"(?:\\.|[^"\\])*")/.exec(rest) ?? []
    const [operator] = /^(?:\|\||&&|\d?>&\d|\d?>>?|<|[|;&])/.exec(rest) ?? []
    if (substitution !== undefined) {
      inner.push(substitution.slice(2, -1))
      add("substituted")
      at += substitution.length - 1
    } else if (string !== undefined) {
      for (const [, found = ""] of string.matchAll(/\$\(([^()]*)\)/g)) if (string.startsWith('"')) inner.push(found)
      add(string.slice(1, -1).replace(/\$\([^()]*\)/g, "substituted"))
      at += string.length - 1
    } else if (operator !== undefined && (word === undefined || !/^\d/.test(operator))) {
      end()
      words.push(operator)
      at += operator.length - 1
    } else if (/^\s/.test(rest)) {
      end()
      if (/^\s+#/.test(rest)) break
    } else add(rest.charAt(0))
  }
  end()
  return words
}

/** Every program that a statement starts, including those inside `$(…)`, without redirections and assignments. */
export const commandsOf = (statement: string): ReadonlyArray<ShellCommand> => {
  const inner: Array<string> = []
  const commands: Array<Array<string>> = [[]]
  const words = wordsOf(statement, inner)
  for (const [at, word] of words.entries()) {
    if (operators.has(word)) commands.push([])
    else if (/^\d?>&\d$/.test(word)) continue
    else if (/^\d?>>?$|^<$/.test(word) || /^\d?>>?$|^<$/.test(words[at - 1] ?? "")) continue
    else if (commands.at(-1)?.length === 0 && /^\w+=/.test(word)) continue
    else commands.at(-1)?.push(word)
  }
  return [
    ...commands.flatMap(([program, ...rest]) => (program === undefined ? [] : [{ program, words: rest }])),
    ...inner.flatMap(commandsOf)
  ]
}
