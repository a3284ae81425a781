import type { OrganizationName, SecretName, StageName } from "@maxcloud/config-schema"

/** What only the server knows of whom manifests are made for. `maxcloud synth` offline uses `offlineTenant`. */
export interface TenantContext {
  readonly organization: OrganizationName
  readonly stage: StageName
  /** Domain of the platform, such as `example.com` or, locally, `localhost`. */
  readonly domain: string
  /** `https`, or `http` locally. */
  readonly scheme: "http" | "https"
  /** Port of public URLs, where it is not the scheme's own. */
  readonly port: number | undefined
  /** The newest version of each secret of the app and stage; deployments are pinned to it. */
  readonly secretVersions: ReadonlyMap<SecretName, number>
  /** Pod Security level that the namespace enforces. */
  readonly podSecurity: "baseline" | "restricted"
  /**
   * Images, as the spec writes them, whose user is known to be another than root, by number (Kubernetes cannot check a name):
   * their pods get the whole restricted context.
   */
  readonly nonRootImages: ReadonlySet<string>
}
