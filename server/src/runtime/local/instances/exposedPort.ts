import { defaultPort } from "@maxcloud/config-schema"
import { Option, Schema } from "effect"
import type { ContainerEngine } from "./containerEngine.ts"

const decode = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Unknown })))
)

/** The port to be taken of those an image exposes (`80/tcp`): the only one for TCP; of several 8080, else 80; else the default. */
export const portOfExposed = (exposed: ReadonlyArray<string>): number => {
  const ports = exposed.flatMap((_) => /^(\d+)(?:\/tcp)?$/.exec(_)?.[1] ?? []).map(Number)
  const [only] = ports
  if (only !== undefined && ports.length === 1) return only
  return !ports.includes(defaultPort) && ports.includes(80) ? 80 : defaultPort
}

/** The port that an image of this machine says it listens on (`EXPOSE`). */
export const exposedPort = async (engine: ContainerEngine, imageId: string): Promise<number> => {
  const { stdout } = await engine.run(["image", "inspect", "--format", "{{json .Config.ExposedPorts}}", imageId])
  return portOfExposed(Object.keys(Option.getOrNull(decode(stdout)) ?? {}))
}
