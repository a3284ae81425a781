import { referencesOf, type ServiceSpec } from "@maxcloud/config-schema"

const syntax = /\$(?:\$|\(([^)]*)\))/g

/**
 * Kubernetes' expansion of `$(NAME)` in env values, command and args: `$$` is a dollar sign, an unknown name stays as it
 * is written, and a name ends at the first `)`. Source: Kubernetes API, `EnvVar.value`; third_party/forked/golang/expansion.
 */
export const expand = (written: string, valueOf: (name: string) => string | undefined): string =>
  written.replace(syntax, (whole, name: string | undefined) => (name === undefined ? "$" : (valueOf(name) ?? whole)))

/** The names of the variables whose value is, or holds, a secret. */
export const secretVariables = ({ env }: Pick<ServiceSpec, "env">): ReadonlySet<string> =>
  new Set(Object.keys(env).filter((name) => referencesOf(env[name] ?? "").some((_) => "secret" in _)))

/** The names among `secrets` that a word refers to, each once. */
export const referredIn = (word: string, secrets: ReadonlySet<string>): ReadonlyArray<string> => [
  ...new Set([...word.matchAll(syntax)].flatMap(([, name]) => (name !== undefined && secrets.has(name) ? [name] : [])))
]

/**
 * A word of `command` or `args` as a manifest has it. References to `secrets` are refused before (`knativeProblems`); one that a
 * stored config still holds is never expanded, since everybody on a machine can read the arguments of its processes.
 */
export const wordOf = (word: string, secrets: ReadonlySet<string>): string =>
  word.replace(syntax, (whole, name: string | undefined) =>
    name !== undefined && secrets.has(name) ? `$${whole}` : whole
  )
