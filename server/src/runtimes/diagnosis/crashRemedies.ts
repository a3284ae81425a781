import { stripVTControlCharacters } from "node:util"
import { missingVariable } from "@maxcloud/builder"

interface Known {
  /** Matches one line of the program's output. */
  readonly found: RegExp
  /** Builds the advice from the groups of `found`. */
  readonly remedy: (...found: ReadonlyArray<string>) => string
}

const variable = (name: string) =>
  `The program needs the variable ${name}. Write \`env: { ${name}: secret("${name}") }\` in the config, run \`maxcloud secrets set ${name}\`, and deploy again. Its README or .env.example may list other variables.`

const readOnly =
  "The program writes to its own folder, which is read-only. Let it write below the folder in the variable HOME or TMPDIR, which is deleted with the instance. Store lasting data in a database."

/** The first entry that matches wins, so the most certain ones come first. */
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
    remedy: (name) => `The Python package for ${name} isn't installed. Add it to requirements.txt or pyproject.toml.`
  },
  {
    found: /(?:^|\s)(?:sh|bash): (?:\d+: |line \d+: )?(?:exec: )?([\w./@-]{1,100}): (?:command )?not found/,
    remedy: (name) =>
      `${name} isn't installed. Move its package from \`devDependencies\` to \`dependencies\`, or set another \`command\` in the config.`
  },
  {
    found:
      /ECONNREFUSED (?:127\.0\.0\.1|::1|localhost):(\d{2,5})|connection to server at "(?:127\.0\.0\.1|localhost)"[^\n]{0,40}port (\d{2,5})/,
    remedy: (port, other) =>
      `The program connects to port ${port || other} on this machine, but nothing listens there. Set the address of its database or service in the config, such as \`env: { DATABASE_URL: secret("DATABASE_URL") }\`.`
  },
  {
    found: /must be a string, got "?undefined|[Rr]eceived undefined|got undefined/,
    remedy: () =>
      "'A setting is undefined, most likely a variable. Set the program's variables in the config (`env: { NAME: secret(\"NAME\") }`), and their values with `maxcloud secrets set NAME`.'"
  }
]

const mostLines = 60
const lookedOfLine = 500

/** Advice about a program that exited on its own, from the end of its output; undefined if the output doesn't help. */
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
