import { expand } from "@maxcloud/synth"
import { Redacted } from "effect"
import { InstanceFailed, type InstanceSpec } from "./Instance.ts"
import type { RunnableImage } from "./images/imageConfig.ts"

const plainValue = (value: string | Redacted.Redacted): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

/** An instance's variables as its program sees them, including secrets. */
export const variablesOf = ({ env }: Pick<InstanceSpec, "env">, port: number): ReadonlyMap<string, string> =>
  new Map([...env, ["PORT", String(port)] as const].map(([name, value]) => [name, plainValue(value)]))

/**
 * An instance's arguments, with each `$(NAME)` replaced by its variable, as on Kubernetes. Secret values appear in no argument:
 * everybody on the machine can read a process's arguments.
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

/** The container's arguments: `command` and `args` replace the image's entrypoint and command, by Kubernetes' rules. */
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
      message: `Image ${image.name} has no command to run. Set \`command\` in the config.`,
      retryable: false
    })
  return words
}
