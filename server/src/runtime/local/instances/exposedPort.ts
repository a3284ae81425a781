import { Option, Schema } from "effect"
import { portOfExposed } from "../../../images/portOfExposed.ts"
import type { ContainerEngine } from "./containerEngine.ts"

const decode = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Unknown })))
)

/** The port that an image of this machine says it listens on (`EXPOSE`). */
export const exposedPort = async (engine: ContainerEngine, imageId: string): Promise<number> => {
  const { stdout } = await engine.run(["image", "inspect", "--format", "{{json .Config.ExposedPorts}}", imageId])
  return portOfExposed(Object.keys(Option.getOrNull(decode(stdout)) ?? {}))
}
