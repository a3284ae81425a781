import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Redacted } from "effect"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { InstanceFailed, type InstanceSpec } from "../Instance.ts"
import { makePrivate } from "../privateFolder.ts"
import { secretsRoot, starterPath, startFilePath } from "../starter/startFile.ts"

/** The option's fields are parsed as CSV. */
const field = (name: string, value: string) => `"${name}=${value.replaceAll('"', '""')}"`

const mountOption = (engine: Pick<ContainerEngine, "name">, source: string, target: string): string => {
  if (/\p{Cc}/u.test(target))
    throw new InstanceFailed({
      reason: "CannotStart",
      message: `The path ${JSON.stringify(target)} of a file contains a control character. Remove it.`,
      retryable: false
    })
  const parts = ["type=bind", field("source", source), field("target", target), "readonly"]
  // For systems with SELinux. Docker's option has no such field.
  return [...parts, ...(engine.name === "podman" ? ["relabel=shared"] : [])].join(",")
}

/**
 * Mounts the starter, its input file (words and variables) and the service's own files. The engine learns where they are, but
 * never their contents, which it would keep in its on-disk database for as long as the container exists.
 */
export const mountArgs = async (
  dataDirectoryId: string,
  engine: Pick<ContainerEngine, "name">,
  spec: Pick<InstanceSpec, "files" | "id">,
  starter: string,
  start: Buffer
): Promise<ReadonlyArray<string>> => {
  // The folders keep other users of this machine out; inside, any user of the image may read.
  const folder = makePrivate(secretsRoot(dataDirectoryId), spec.id)
  const mounts: Array<string> = []
  const mount = (source: string, target: string) => mounts.push("--mount", mountOption(engine, source, target))
  const write = async (name: string, content: string | Buffer, target: string) => {
    await writeFile(join(folder, name), content, { mode: 0o444 })
    mount(join(folder, name), target)
  }
  mount(starter, starterPath)
  await write("start", start, startFilePath)
  let count = 0
  for (const [target, value] of spec.files) await write(String(count++), Redacted.value(value), target)
  return engine.name === "podman" ? mounts : [...mounts, "--security-opt", "label=disable"]
}
