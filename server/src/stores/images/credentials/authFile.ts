import { Option, Redacted } from "effect"
import { apiHostOf } from "../../../base/words/imageName.ts"
import type { Credentials } from "../registry/RegistrySession.ts"

/** Credentials for one registry, as a file of `podman login`. */
export const authFile = (registry: string, credentials: Option.Option<Credentials>): string => {
  if (Option.isNone(credentials)) return noLogins
  const { password, username } = credentials.value
  const auth = Buffer.from(`${username}:${Redacted.value(password)}`).toString("base64")
  const hosts = registry === "docker.io" ? ["docker.io", "https://index.docker.io/v1/"] : [apiHostOf(registry)]
  return JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) })
}

export const noLogins = JSON.stringify({ auths: {} })
