import { referencesOf, type ServiceSpec } from "@maxcloud/config-schema"

/**
 * Replaces each `$$` and `$(NAME)` in one pass; a name ends at the first `)`. A regular expression would search to the end of the text for each
 * `$(` without a `)`.
 */
const replaceReferences = (written: string, by: (whole: string, name: string | undefined) => string): string => {
  const lastClose = written.lastIndexOf(")")
  const parts: Array<string> = []
  let from = 0
  let at = written.indexOf("$")
  while (at !== -1) {
    const isReference = written[at + 1] === "(" && at < lastClose
    if (isReference || written[at + 1] === "$") {
      const end = isReference ? written.indexOf(")", at) + 1 : at + 2
      const whole = written.slice(at, end)
      parts.push(written.slice(from, at), by(whole, isReference ? whole.slice(2, -1) : undefined))
      from = end
    }
    at = written.indexOf("$", Math.max(at + 1, from))
  }
  return parts.join("") + written.slice(from)
}

/**
 * Kubernetes' expansion of `$(NAME)` in env values, command and args: `$$` is a dollar sign, an unknown name stays unchanged, and a name ends at
 * the first `)`. Source: Kubernetes API, `EnvVar.value`; third_party/forked/golang/expansion.
 */
export const expand = (written: string, valueOf: (name: string) => string | undefined): string =>
  replaceReferences(written, (whole, name) => (name === undefined ? "$" : (valueOf(name) ?? whole)))

/** The names of variables with a value that is or contains a secret. */
export const secretVariables = ({ env }: Pick<ServiceSpec, "env">): ReadonlySet<string> =>
  new Set(Object.keys(env).filter((name) => referencesOf(env[name] ?? "").some((value) => "secret" in value)))

/** The names among `secrets` that a word references, without duplicates. */
export const referredIn = (word: string, secrets: ReadonlySet<string>): ReadonlyArray<string> => {
  const found = new Set<string>()
  replaceReferences(word, (whole, name) => {
    if (name !== undefined && secrets.has(name)) found.add(name)
    return whole
  })
  return [...found]
}

/**
 * A word of `command` or `args` for a manifest. `knativeProblems` refuses references to `secrets` before this. If a stored config still has one, it
 * is never expanded, because everybody on a machine can read the arguments of its processes.
 */
export const wordOf = (word: string, secrets: ReadonlySet<string>): string =>
  replaceReferences(word, (whole, name) => (name !== undefined && secrets.has(name) ? `$${whole}` : whole))
