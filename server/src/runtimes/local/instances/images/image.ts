import type { DiagnosisCode } from "@maxcloud/sdk/api"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { parseImageName } from "../../../../base/words/imageName.ts"
import { authorityFile } from "../../../../stores/images/registry/certificateProblem.ts"
import { InstanceFailed } from "../Instance.ts"

const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")

/**
 * The meaning of a registry's or engine's message about a failed pull, which podman, docker and common registries word
 * differently.
 */
const reasons: ReadonlyArray<
  readonly [pattern: RegExp, reason: DiagnosisCode, advice: string | ((host: string) => string), retryable: boolean]
> = [
  [
    /no image found in (image index|manifest list)|no matching manifest|does not match the (specified|expected) platform|exec format error/i,
    "WrongPlatform",
    "There is no image for this machine's architecture.",
    false
  ],
  [
    /invalid reference format|invalid repository name|repository name must|must be lowercase/i,
    "ImageInvalid",
    "This isn't a valid image name.",
    false
  ],
  [
    /certificate signed by unknown authority|self-signed certificate|certificate is not trusted/i,
    "RegistryUntrusted",
    (host) =>
      `The registry's certificate comes from an unknown authority. Put the authority's certificate (PEM) into ${authorityFile(host)} (with docker /etc/docker/certs.d/${host}/ca.crt).`,
    false
  ],
  [
    /certificate has expired or is not yet valid/i,
    "RegistryUntrusted",
    "The registry's certificate has expired, or this machine's clock is wrong.",
    false
  ],
  [
    /x509: certificate is (not )?valid for|legacy Common Name|failed to verify certificate|x509: /i,
    "RegistryUntrusted",
    "The registry's certificate isn't valid for this name.",
    false
  ],
  [
    /server gave HTTP response to HTTPS client|first record does not look like a TLS handshake/i,
    "RegistryUnreachable",
    (host) =>
      `The registry speaks plain HTTP. Start the server with MAXCLOUD_INSECURE_REGISTRIES=${host}, or configure it in the engine's registries.conf (\`insecure = true\`).`,
    false
  ],
  // Must precede the refusals: Docker Hub answers "denied" for a missing image, and says both.
  [
    /manifest unknown|name unknown|not found: manifest|manifest for .* not found|repository does not exist|no such image|\bnot found\b|404/i,
    "ImageNotFound",
    "The registry doesn't have this image or tag.",
    false
  ],
  [
    /unauthorized|authentication required|access to the resource is denied|denied|no basic auth credentials|\b40[13]\b/i,
    "ImageUnauthorized",
    "The registry requires a login, or doesn't have this image. Run `maxcloud registries login` for its host.",
    false
  ],
  [/toomanyrequests|rate limit|\b429\b/i, "RegistryUnreachable", "The registry refuses so many pulls. Retrying.", true],
  [/no space left on device/i, "CannotStart", "The disk is full.", true],
  [
    /unqualified-search|short-name .* did not resolve/i,
    "ImageInvalid",
    "Write the name with its registry, as in docker.io/library/nginx.",
    false
  ],
  [
    /connection refused|no such host|i\/o timeout|timeout|unreachable|tls|connection reset|\bEOF\b|server misbehaving|\b50[0234]\b|dial tcp|pinging container registry/i,
    "RegistryUnreachable",
    "The registry is unreachable. Retrying.",
    true
  ]
]

const unknownFailure = [undefined, "RegistryUnreachable", "The pull failed.", true] as const

/** Limits the engine's output about a pull. It quotes the registry, and we match patterns against it. */
const outputLength = 16_384

export const pullFailure = (image: string, output: string): InstanceFailed => {
  const said = lines(output.slice(-outputLength))
  // The last line sums up the failure; earlier ones may be about other mirrors.
  const summary = said.filter((line) => /error/i.test(line)).at(-1) ?? said.at(-1) ?? "the engine gave no reason"
  const found =
    reasons.find(([pattern]) => pattern.test(summary)) ?? reasons.find(([pattern]) => pattern.test(said.join("\n")))
  const [, reason, told, retryable] = found ?? unknownFailure
  const advice = typeof told === "string" ? told : told(parseImageName(image)?.registry ?? "HOST")
  return new InstanceFailed({ reason, message: `Image ${image}: ${advice} (${summary.slice(0, 500)})`, retryable })
}

/**
 * The name with its registry, as docker reads it: `nginx` is `docker.io/library/nginx`. podman would try short names in each
 * registry it knows, where another image may have that name.
 */
export const qualifiedImage = (image: string): string => {
  if (image.startsWith("sha256:")) return image
  const [first = "", ...rest] = image.split("/")
  if (rest.length === 0) return `docker.io/library/${image}`
  return first.includes(".") || first.includes(":") || first === "localhost" ? image : `docker.io/${image}`
}

/** The id of an image in this machine's store; undefined if the store has none with this name. */
export const idOf = async (engine: ContainerEngine, image: string): Promise<string | undefined> => {
  const result = await engine.run(["image", "inspect", "--format", "{{.Id}} {{.Architecture}}", "--", image])
  if (result.code !== 0) return undefined
  const [id = "", architecture] = result.stdout.trim().split(" ")
  if (architecture && architecture !== engine.architecture)
    throw new InstanceFailed({
      reason: "WrongPlatform",
      message: `Image ${image} is for ${architecture}, but this machine is ${engine.architecture}.`,
      retryable: false
    })
  return id.startsWith("sha256:") ? id : `sha256:${id}`
}
