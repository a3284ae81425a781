import { ApiObject, type ApiObjectMetadata, type GroupVersionKind } from "cdk8s"
import type { Construct } from "constructs"
import { Schema } from "effect"
import type { Manifest } from "./manifest.ts"
import { RevisionTemplate } from "./revisionTemplate.ts"

export interface KnativeServiceProps {
  readonly metadata: ApiObjectMetadata
  readonly spec: { readonly template: RevisionTemplate }
}

const write = Schema.encodeSync(RevisionTemplate)

/** A Knative Service, with the fields of `serving.knative.dev/v1` that synth writes (Knative serving API specification, "Service"). */
export class KnativeService extends ApiObject {
  static readonly GVK: GroupVersionKind = { apiVersion: "serving.knative.dev/v1", kind: "Service" }

  constructor(scope: Construct, id: string, { metadata, spec }: KnativeServiceProps) {
    super(scope, id, { ...KnativeService.GVK, metadata, spec: { template: write(spec.template) } })
  }
}

const Written = Schema.Struct({ spec: Schema.Struct({ template: Schema.Unknown }) })

/** The unparsed `spec.template` of a Knative Service; undefined for any other manifest. */
export const templateOf = (manifest: Manifest): unknown =>
  isKnativeService(manifest) && Schema.is(Written)(manifest) ? manifest.spec.template : undefined

export const isKnativeService = ({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }) =>
  kind === KnativeService.GVK.kind && apiVersion.startsWith("serving.knative.dev/")
