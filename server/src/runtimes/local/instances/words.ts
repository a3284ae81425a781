import { expand } from "@maxcloud/synth"
import { Redacted } from "effect"
import type { InstanceSpec } from "./Instance.ts"

export const plainValue = (value: string | Redacted.Redacted): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

/**
 * The words of an instance, with `$(NAME)` in the place of which its variables have come, as on Kubernetes. The value of a secret is
 * in no word: everybody on the machine can read the arguments of a process.
 */
export const wordsOf = (spec: Pick<InstanceSpec, "args" | "command" | "env">, port: number) => {
  const valueOf = (name: string): string | undefined => {
    if (name === "PORT") return String(port)
    const value = spec.env.get(name)
    return Redacted.isRedacted(value) ? undefined : value
  }
  const expanded = (words: ReadonlyArray<string> | undefined) => words?.map((word) => expand(word, valueOf))
  return { command: expanded(spec.command), args: expanded(spec.args) }
}
