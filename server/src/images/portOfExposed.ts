import { defaultPort } from "@maxcloud/config-schema"

/** The port to be taken of those an image exposes (`80/tcp`): the only one for TCP; of several 8080, else 80; else the default. */
export const portOfExposed = (exposed: ReadonlyArray<string>): number => {
  const ports = exposed
    .flatMap((_) => /^(\d+)(?:\/tcp)?$/.exec(_)?.[1] ?? [])
    .map(Number)
    .filter((_) => _ >= 1 && _ <= 65_535)
  const [only] = ports
  if (only !== undefined && ports.length === 1) return only
  return !ports.includes(defaultPort) && ports.includes(80) ? 80 : defaultPort
}
