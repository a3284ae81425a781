import type { ManifestRules, SecretName, ServiceName } from "@maxcloud/config-schema"
import type { ExternalSecrets } from "./externalSecrets.ts"
import type { Place } from "./names.ts"

/** The tenant's facts that only the server knows. `maxcloud synth` offline uses `offlineTenant`. */
export interface TenantContext extends Place {
  /** Domain of the platform, such as `example.com` or, locally, `localhost`. */
  readonly domain: string
  /** `https`, or `http` locally. */
  readonly scheme: "http" | "https"
  /** Port of public URLs, where it is not the scheme's own. */
  readonly port: number | undefined
  /** The newest version of each secret of the app and stage; deployments are pinned to it. From a store: the deployment that reads it. */
  readonly secretVersions: ReadonlyMap<SecretName, number>
  /** Pod Security level that the namespace enforces. */
  readonly podSecurity: "baseline" | "restricted"
  /** Known facts about images, by their name in the spec. Nothing is known about an image that isn't in it. */
  readonly images: ReadonlyMap<string, ResolvedImage>
  /** `runtimeClassName` of the pods, such as `gvisor`; undefined: the cluster's default. */
  readonly runtimeClass: string | undefined
  /** Services that are stopped: the gateway answers their requests with 503, and no instance is kept. */
  readonly pausedServices: ReadonlySet<ServiceName>
  /** When services were restarted last (RFC 3339). @default never */
  readonly restarts?: ReadonlyMap<ServiceName, string>
  /** Ranges of the cluster's nodes, pods and Services: no `egress` opens them, whatever it declares. @default none */
  readonly closedRanges?: ReadonlyArray<string>
  /** Private, shared and reserved IPv4 ranges that an `egress` may declare. @default none */
  readonly privateRanges?: ReadonlyArray<string>
  /** Has the organization credentials for registries? Then pods name the namespace's pull secret (`pullSecretName`). */
  readonly pullSecret: boolean
  /** The store of secrets' values. @default the server's database */
  readonly externalSecrets?: ExternalSecrets | undefined
  /** What `manifests` may add or change. @default nothing */
  readonly manifestRules?: ManifestRules | undefined
}

/** A registry's answer for an image. */
export interface ResolvedImage {
  /** The name in manifests: `<repository>@sha256:…`, or the image as written if no registry can be asked. */
  readonly reference: string
  /** Its user is another than root, by number (Kubernetes cannot check a name): its pods get the whole restricted context. */
  readonly nonRoot: boolean
  /** The port that it exposes, if it exposes just one. */
  readonly port: number | undefined
  /** It was looked up with credentials: a node that has it asks the registry all the same whether these may have it. @default no */
  readonly needsCredentials?: boolean
}
