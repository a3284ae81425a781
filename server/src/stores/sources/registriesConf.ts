import { readFile } from "node:fs/promises"
import { join } from "node:path"

/**
 * The user's settings of registries for podman, with Docker Hub as the place where names without a registry are looked for, as every Dockerfile
 * means them. Empty if the settings say something of such names themselves.
 */
export const withDockerHub = async (environment: NodeJS.ProcessEnv): Promise<string> => {
  const {
    CONTAINERS_REGISTRIES_CONF: given,
    HOME: home = "/",
    XDG_CONFIG_HOME: config = join(home, ".config")
  } = environment
  // As podman looks for it: the first of these alone.
  const places = given ? [given] : [join(config, "containers/registries.conf"), "/etc/containers/registries.conf"]
  for (const place of places) {
    const text = await readFile(place, "utf8").catch(() => undefined)
    if (text === undefined) continue
    const isSaid = text.split("\n").some((text) => text.trim().startsWith("unqualified-search-registries"))
    return isSaid ? "" : `${searched}${text}`
  }
  return searched
}

const searched = 'unqualified-search-registries = ["docker.io"]\n'
