import { stripVTControlCharacters } from "node:util"
import { missingVariable } from "@maxcloud/builder"

interface Known {
  /** In one line of what the program wrote. */
  readonly found: RegExp
  /** The advice. The arguments are the groups of `found`. */
  readonly remedy: (...found: ReadonlyArray<string>) => string
}

const variable = (name: string) =>
  `It needs the variable ${name}. Write \`env: { ${name}: secret("${name}") }\` in the config, run \`maxcloud secrets set ${name}\`, and deploy again. Other variables that it reads may be in its README or .env.example.`

const readOnly =
  "It writes into its own folder, which is read-only. Let it write below the folder in the variable HOME or TMPDIR, which goes with the instance; keep what has to stay in a database."

/** The first that is found in the last line counts, so the surest come first. */
const known: ReadonlyArray<Known> = [
  {
    found: /KeyError: ['"]([A-Z][A-Z0-9_]{2,60})['"]/,
    remedy: variable
  },
  {
    found: /EROFS|[Rr]ead-only file system|attempt to write a readonly database|unable to open database file/,
    remedy: () => readOnly
  },
  {
    found: /(?:EACCES: permission denied, (?:open|mkdir|unlink|rename|copyfile|rmdir)|PermissionError: \[Errno 13\])/,
    remedy: () => readOnly
  },
  {
    found: /Cannot find (?:module|package) '([a-z@][\w./@-]{0,100})'/,
    remedy: (name) =>
      `${name} isn't installed. Add it to \`dependencies\` in package.json: packages in \`devDependencies\` are dropped after the build.`
  },
  {
    found: /ModuleNotFoundError: No module named '([\w.]{1,100})'/,
    remedy: (name) => `The Python package of ${name} isn't installed. Add it to requirements.txt or pyproject.toml.`
  },
  {
    found: /(?:^|\s)(?:sh|bash): (?:\d+: |line \d+: )?(?:exec: )?([\w./@-]{1,100}): (?:command )?not found/,
    remedy: (name) =>
      `${name} isn't installed. Move its package from \`devDependencies\` to \`dependencies\`, or write another \`command\` in the config.`
  },
  {
    found:
      /ECONNREFUSED (?:127\.0\.0\.1|::1|localhost):(\d{2,5})|connection to server at "(?:127\.0\.0\.1|localhost)"[^\n]{0,40}port (\d{2,5})/,
    remedy: (port, other) =>
      `It looks for port ${port || other} on this machine, and nothing listens there. Give it the address of its database or service in the config, such as \`env: { DATABASE_URL: secret("DATABASE_URL") }\`.`
  },
  {
    found: /must be a string, got "?undefined|[Rr]eceived undefined|got undefined/,
    remedy: () =>
      'A setting that it needs is undefined, most likely a variable. Write those that it reads in the config: `env: { NAME: secret("NAME") }`, with values by `maxcloud secrets set NAME`.'
  }
]

const mostLines = 60
const lookedOfLine = 500

/** Advice about a program that exited by itself, by the end of its output; undefined if that doesn't tell. */
export const crashRemedyOf = (output: string): string | undefined => {
  const lines = stripVTControlCharacters(output)
    .split("\n")
    .slice(-mostLines)
    .map((line) => line.slice(0, lookedOfLine))
  for (const line of lines) {
    const name = missingVariable(line)
    if (name !== undefined) return variable(name)
  }
  for (const { found, remedy } of known)
    for (const line of lines) {
      const match = found.exec(line)
      if (match !== null) return remedy(...match.slice(1).map((value) => value ?? ""))
    }
  return undefined
}
