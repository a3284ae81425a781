import { readFile } from "node:fs/promises"
import { join } from "node:path"

/**
 * The user's registry settings for podman, with Docker Hub added for names without a registry, as every Dockerfile means
 * them. Empty if the settings already cover such names.
 */
export const withDockerHub = async (environment: NodeJS.ProcessEnv): Promise<string> => {
  const {
    CONTAINERS_REGISTRIES_CONF: given,
    HOME: home = "/",
    XDG_CONFIG_HOME: config = join(home, ".config")
  } = environment
  // Like podman, only the first of these.
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
