import { resolve } from "node:path"
import type { Build, ServiceSpec } from "@maxcloud/config-schema"

export interface ServiceSource {
  /** Absolute. */
  readonly folder: string
  readonly build: Build | undefined
  readonly command: ReadonlyArray<string> | undefined
  readonly port: number
}

export const defaultPort = 8080

/** What to build for a service; undefined if it has an image. `folder` is the config's. */
export const serviceSource = (service: ServiceSpec, folder: string): ServiceSource | undefined => {
  const { args = [], build, command, port, source } = service
  if (source === undefined) return undefined
  return {
    folder: resolve(folder, source.path),
    build,
    command: command === undefined ? undefined : [...command, ...args],
    port: typeof port === "number" ? port : defaultPort
  }
}
