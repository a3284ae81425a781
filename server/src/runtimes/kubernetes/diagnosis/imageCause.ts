import { type DiagnosisCode, diagnosisOf } from "@maxcloud/sdk/api"
import type { Cause } from "./Evidence.ts"

type ImageCode = Extract<
  DiagnosisCode,
  | "WrongPlatform"
  | "ImageUnauthorized"
  | "ImageLayersMissing"
  | "RegistryUnreachable"
  | "RegistryUntrusted"
  | "ImageNotFound"
  | "ImageInvalid"
>

// The first match wins: a registry's final "not found" is the least exact. Sources: containerd `core/remotes/docker`,
// go-containerregistry (Knative's resolver), Docker Hub, the distribution specification's error codes.
const patterns: ReadonlyArray<readonly [ImageCode, RegExp]> = [
  ["WrongPlatform", /no match for platform|no matching manifest|no child with platform/i],
  [
    "ImageLayersMissing",
    /content descriptor|failed to copy: .*not found|unexpected commit digest|failed size validation|BLOB_UNKNOWN|blob unknown|failed to extract layer/i
  ],
  [
    "ImageUnauthorized",
    /unauthorized|authentication required|authorization failed|access denied|access to the resource is denied|insufficient_scope|\bDENIED\b|40[13] (unauthorized|forbidden)|status(?: code)?:? 40[13]\b/i
  ],
  ["RegistryUntrusted", /x509: |certificate signed by unknown authority|failed to verify certificate/i],
  [
    "RegistryUnreachable",
    /connection refused|connection reset|no such host|i\/o timeout|deadline exceeded|no route to host|network is unreachable|tls: |\bEOF\b|too ?many ?requests|server gave HTTP response|status(?: code)?:? 5\d\d|50\d (internal|bad|service|gateway)/i
  ],
  ["ImageInvalid", /invalid reference format|could not parse reference|InvalidImageName|couldn't parse image/i],
  ["ImageNotFound", /not found|MANIFEST_UNKNOWN|NAME_UNKNOWN|manifest unknown|name unknown|does not exist/i]
]

export const imageCodeOf = (message: string): ImageCode =>
  patterns.find(([, pattern]) => pattern.test(message))?.[0] ?? "RegistryUnreachable"

const sentences: Readonly<Record<ImageCode, (image: string) => string>> = {
  WrongPlatform: (image) => `the image ${image} has no variant for the cluster's platform`,
  ImageLayersMissing: (image) => `the image ${image} is incomplete in its registry: a layer can't be fetched`,
  ImageUnauthorized: (image) => `the registry denies access to the image ${image}`,
  RegistryUnreachable: (image) => `the registry of the image ${image} is unreachable`,
  RegistryUntrusted: (image) =>
    `the registry of the image ${image} has a certificate that the cluster's node doesn't trust`,
  ImageInvalid: (image) => `${image} isn't a valid image name`,
  ImageNotFound: (image) => `the image ${image} doesn't exist in its registry`
}

interface Tried {
  readonly now: number
  /** Time of the first attempt. */
  readonly since: number
  /** Does the kubelet have credentials to send? */
  readonly withCredentials: boolean
}

/**
 * How long to wait, in milliseconds, for failures that may not recur. An unreachable registry gets until the deadline, because
 * the kubelet retries. A refusal gets a while if there are credentials: a kubelet that doesn't learn of their Secret within a
 * second sends none, and has them at its next attempt, 10 s later (`watch_based_manager.go`).
 */
const patience = (code: ImageCode, { withCredentials }: Tried): number =>
  code === "RegistryUnreachable"
    ? Number.POSITIVE_INFINITY
    : code === "ImageUnauthorized" && withCredentials
      ? 14_000
      : 0

/** An image that can't be pulled. Final after enough tries. */
export const imageCause = (image: string, message: string, tried: Tried): Cause => {
  const code = imageCodeOf(message)
  const host = image.includes("/") ? image.slice(0, image.indexOf("/")) : "docker.io"
  const fix =
    code === "ImageUnauthorized"
      ? `Store credentials for it with \`maxcloud registries login ${host}\`, then deploy again.`
      : code === "RegistryUntrusted"
        ? `Ask the operator to add the authority's certificate to each node's containerd (/etc/containerd/certs.d/${host}/hosts.toml), then deploy again.`
        : undefined
  const sureAt = tried.since + patience(code, tried)
  const certain = tried.now >= sureAt
  return {
    diagnosis: diagnosisOf(code, sentences[code](image), [message], fix),
    certain,
    lookAgainAt: certain || !Number.isFinite(sureAt) ? undefined : sureAt
  }
}
