import type { ManifestRules, SecretName, ServiceName } from "@maxcloud/config-schema"
import type { ExternalSecrets } from "./externalSecrets.ts"
import type { Place } from "./names.ts"

/** The tenant's facts that only the server knows. `maxcloud synth` offline uses `offlineTenant`. */
export interface TenantContext extends Place {
  /** The platform's domain, such as `example.com`, or `localhost` locally. */
  readonly domain: string
  /** `https`, or `http` locally. */
  readonly scheme: "http" | "https"
  /** The port of public URLs, unless it's the scheme's default. */
  readonly port: number | undefined
  /** The newest version of each secret of the app and stage, which deployments pin. With a store, the deployment that reads it. */
  readonly secretVersions: ReadonlyMap<SecretName, number>
  /** The namespace's Pod Security level. */
  readonly podSecurity: "baseline" | "restricted"
  /** Known facts about images, by name in the spec. */
  readonly images: ReadonlyMap<string, ResolvedImage>
  /** `runtimeClassName` of the pods, such as `gvisor`; undefined for the cluster's default. */
  readonly runtimeClass: string | undefined
  /** Paused services: the gateway responds with 503, and no instances run. */
  readonly pausedServices: ReadonlySet<ServiceName>
  /** The last restarts of services (RFC 3339). @default never */
  readonly restarts?: ReadonlyMap<ServiceName, string>
  /** The ranges of the cluster's nodes, pods and Services, which no `egress` opens. @default none */
  readonly closedRanges?: ReadonlyArray<string>
  /** Private, shared and reserved IPv4 ranges that an `egress` can open. @default none */
  readonly privateRanges?: ReadonlyArray<string>
  /** Whether the organization has credentials for registries. If so, pods use the namespace's pull secret (`pullSecretName`). */
  readonly pullSecret: boolean
  /**
   * The platform has a registry of its own, whose credentials are in the pull secret. The text changes when they are replaced.
   * @default it has none
   */
  readonly pullPeriod?: string | undefined
  /** The store with the values of secrets. @default the server's database */
  readonly externalSecrets?: ExternalSecrets | undefined
  /** The rules for `manifests`. @default nothing is allowed */
  readonly manifestRules?: ManifestRules | undefined
}

/** A registry's facts about an image. */
export interface ResolvedImage {
  /** The name in manifests: `<repository>@sha256:…`, or the image as written if no registry can be asked. */
  readonly reference: string
  /** Whether its user is a number other than root's, since Kubernetes can't check a name. If so, its pods get the complete restricted context. */
  readonly nonRoot: boolean
  /** The port that it exposes, if it exposes exactly one. */
  readonly port: number | undefined
  /** Whether the lookup used credentials. If so, nodes check the credentials with the registry even if they already have the image. @default no */
  readonly needsCredentials?: boolean
}
