import { expand } from "@maxcloud/synth"
import { Redacted } from "effect"
import { InstanceFailed, type InstanceSpec } from "./Instance.ts"
import type { RunnableImage } from "./images/imageConfig.ts"

const plainValue = (value: string | Redacted.Redacted): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

/** The variables of an instance as its program sees them, secrets among them. */
export const variablesOf = ({ env }: Pick<InstanceSpec, "env">, port: number): ReadonlyMap<string, string> =>
  new Map([...env, ["PORT", String(port)] as const].map(([name, value]) => [name, plainValue(value)]))

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

/** What the container runs: `command` and `args` in place of the image's entrypoint and command, by Kubernetes' rules. */
export const programWords = (
  spec: Pick<InstanceSpec, "args" | "command" | "env">,
  image: RunnableImage
): ReadonlyArray<string> => {
  const { args = [], command = [] } = wordsOf(spec, image.ports[0])
  const first = command.length > 0 ? command : image.entrypoint
  const words = [...first, ...(args.length > 0 || command.length > 0 ? args : image.cmd)]
  if (words.length === 0)
    throw new InstanceFailed({
      reason: "NothingToRun",
      message: `Image ${image.name} names no command to run. Set \`command\` in the config.`,
      retryable: false
    })
  return words
}
