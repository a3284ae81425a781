import { ApiObject, type ApiObjectMetadata, type GroupVersionKind } from "cdk8s"
import type { Construct } from "constructs"

export interface ExternalSecretProps {
  readonly metadata: ApiObjectMetadata
  readonly spec: {
    /** Read only once, at creation, so that a revision keeps its initial values. */
    readonly refreshPolicy: "CreatedOnce"
    readonly secretStoreRef: { readonly kind: "ClusterSecretStore"; readonly name: string }
    readonly target: {
      readonly name: string
      readonly creationPolicy: "Owner"
      readonly template: {
        readonly engineVersion: "v2"
        readonly metadata: { readonly labels: Readonly<Record<string, string>> }
        /** Go templates over the `secretKey`s of `data`. */
        readonly data: Readonly<Record<string, string>>
      }
    }
    readonly data: ReadonlyArray<{
      readonly secretKey: string
      readonly remoteRef: { readonly key: string; readonly property?: string }
    }>
  }
}

/** An ExternalSecret, with the fields of `external-secrets.io/v1` that synth writes (External Secrets Operator, "ExternalSecret"). */
export class ExternalSecret extends ApiObject {
  static readonly GVK: GroupVersionKind = { apiVersion: "external-secrets.io/v1", kind: "ExternalSecret" }

  constructor(scope: Construct, id: string, props: ExternalSecretProps) {
    super(scope, id, { ...ExternalSecret.GVK, ...props })
  }
}
