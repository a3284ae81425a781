import { existsSync } from "node:fs"
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"
import type { Environment } from "@maxcloud/sdk/credentials"

const absolute = (written: string | undefined): string | undefined =>
  written !== undefined && isAbsolute(written) ? written : undefined

const nonEmpty = (written: string | undefined): string | undefined => (written === "" ? undefined : written)

/**
 * The files where docker, podman and others look for credentials. Docker's own comes first: podman, skopeo, buildah, crane and ORAS
 * read it too. In those of podman (containers-auth.json(5)) an entry counts more, so they get ours if they exist, or if podman would
 * write there by itself.
 */
export const clientFiles = (env: Environment): ReadonlyArray<string> => {
  const docker = join(nonEmpty(env["DOCKER_CONFIG"]) ?? join(homedir(), ".docker"), "config.json")
  const named = nonEmpty(env["REGISTRY_AUTH_FILE"])
  if (named !== undefined) return [docker, named]
  const runtime = absolute(env["XDG_RUNTIME_DIR"])
  const config = absolute(env["XDG_CONFIG_HOME"]) ?? join(homedir(), ".config")
  const isLinux = process.platform === "linux"
  const other = [
    ...(isLinux && runtime === undefined ? [`/run/containers/${process.getuid?.() ?? 0}/auth.json`] : []),
    join(config, "containers/auth.json")
  ].filter((file) => existsSync(file))
  const temporary =
    isLinux && runtime !== undefined && existsSync(runtime) ? [join(runtime, "containers/auth.json")] : []
  return [docker, ...temporary, ...other]
}
