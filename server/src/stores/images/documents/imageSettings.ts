import type { Healthcheck, Volumes } from "@maxcloud/oci"

/** An image's settings that a service ignores. */
export interface ImageSettings {
  /** The command of its `HEALTHCHECK`. */
  readonly healthcheck: string | undefined
  /** Folders of `VOLUME`. */
  readonly volumes: ReadonlyArray<string>
}

const mostVolumes = 3
const longest = 200
/** It's printed, and comes from whoever built the image. */
const shown = (text: string) =>
  text
    .replace(/[\p{Cc}\p{Cf}]/gu, " ")
    .trim()
    .slice(0, longest)

export const imageSettings = (
  healthcheck: typeof Healthcheck.Type | null | undefined,
  volumes: typeof Volumes.Type | null | undefined
): ImageSettings => {
  const [kind, ...words] = healthcheck?.Test ?? []
  const command = shown(words.join(" "))
  return {
    healthcheck: (kind === "CMD" || kind === "CMD-SHELL") && command !== "" ? command : undefined,
    volumes: Object.keys(volumes ?? {})
      .map(shown)
      .sort()
  }
}

/** The path that a check requests from its own program, as in `curl -f http://localhost:8080/healthz || exit 1`. */
const pathIn = (command: string): string | undefined => {
  const path = /https?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::[^/\s"']{1,20})?(\/[\w./~-]{0,100})?/.exec(
    command
  )?.[1]
  return path === undefined || path === "" ? undefined : path
}

export interface UnusedSettings {
  /** A sentence without its end. */
  readonly message: string
  readonly fix: string
}

/** The warnings about an image. `hasProbe`: the config has a check of its own. */
export const unusedSettings = (
  { healthcheck, volumes }: ImageSettings,
  hasProbe: boolean
): UnusedSettings | undefined => {
  const unchecked = hasProbe ? undefined : healthcheck
  const parts: Array<UnusedSettings> = []
  if (unchecked !== undefined)
    parts.push({
      message: `the image's HEALTHCHECK (${unchecked}) isn't used`,
      fix: `Write \`probes: { readiness: { path: "${pathIn(unchecked) ?? "/healthz"}" } }\` in the config.`
    })
  if (volumes.length > 0) {
    const named = volumes.slice(0, mostVolumes).join(", ")
    const more = volumes.length > mostVolumes ? ` and ${volumes.length - mostVolumes} more` : ""
    parts.push({
      message: `data in the image's VOLUME ${named}${more} is lost when an instance stops`,
      fix: "Keep data in a database or an object store, and pass its address in `env`."
    })
  }
  return parts.length === 0
    ? undefined
    : { message: parts.map((part) => part.message).join(", and "), fix: parts.map((part) => part.fix).join(" ") }
}
