import { ApiObject, type ApiObjectMetadata, type GroupVersionKind } from "cdk8s"
import type { Construct } from "constructs"

export interface SecretKeyRef {
  readonly name: string
  readonly key: string
}

/** In `value` Kubernetes expands `$(NAME)`; see `literal`. */
export type EnvVar =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly valueFrom: { readonly secretKeyRef: SecretKeyRef } }

/** The port is the container's own, always: Knative puts it into readiness and liveness probes, but not into startup probes. */
export interface ContainerProbe {
  readonly httpGet?: { readonly path: string; readonly port: number }
  readonly tcpSocket?: { readonly port: number }
  readonly initialDelaySeconds: number
  readonly periodSeconds: number
  readonly timeoutSeconds: number
  readonly failureThreshold: number
}

/** Knative refuses a pod's own `securityContext` by default (feature `kubernetes.podspec-securitycontext`), and `capabilities.add`. */
export interface SecurityContext {
  readonly allowPrivilegeEscalation: boolean
  readonly capabilities: { readonly drop: ReadonlyArray<string> }
  readonly runAsNonRoot?: true
  readonly seccompProfile: { readonly type: "RuntimeDefault" }
}

export interface Resources {
  readonly cpu: string
  readonly memory: string
}

export interface KnativeContainer {
  readonly imagePullPolicy?: "Always"
  readonly name: string
  readonly image: string
  readonly command?: ReadonlyArray<string>
  readonly args?: ReadonlyArray<string>
  readonly ports: readonly [{ readonly name: "http1" | "h2c"; readonly containerPort: number }]
  readonly env?: ReadonlyArray<EnvVar>
  readonly resources: { readonly limits: Resources; readonly requests: Resources }
  readonly startupProbe?: ContainerProbe
  readonly readinessProbe?: ContainerProbe
  readonly livenessProbe?: ContainerProbe
  readonly securityContext: SecurityContext
  readonly terminationMessagePolicy: "FallbackToLogsOnError"
  readonly volumeMounts?: ReadonlyArray<{
    readonly name: string
    readonly mountPath: string
    readonly subPath: string
    readonly readOnly: true
  }>
}

export interface SecretVolume {
  readonly name: string
  readonly secret: {
    readonly secretName: string
    readonly defaultMode: number
    readonly items: ReadonlyArray<{ readonly key: string; readonly path: string }>
  }
}

export interface RevisionTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly spec: {
    /** Knative takes it by its feature gate `kubernetes.podspec-runtimeclassname`. */
    readonly runtimeClassName?: string
    readonly serviceAccountName: string
    readonly automountServiceAccountToken: false
    readonly enableServiceLinks: false
    /** Requests at a time per instance at most; 0: no limit. */
    readonly containerConcurrency: number
    /** Seconds. Knative takes 600 at most, unless `max-revision-timeout-seconds` in its `config-defaults` says otherwise. */
    readonly timeoutSeconds: number
    /** Seconds until the first byte. Knative's default of 300 would cut a longer `timeoutSeconds` short. */
    readonly responseStartTimeoutSeconds: number
    readonly containers: readonly [KnativeContainer]
    readonly volumes?: ReadonlyArray<SecretVolume>
  }
}

export interface KnativeServiceProps {
  readonly metadata: ApiObjectMetadata
  readonly spec: { readonly template: RevisionTemplate }
}

/** A Knative Service, with the fields of `serving.knative.dev/v1` that synth makes (Knative serving API specification, "Service"). */
export class KnativeService extends ApiObject {
  static readonly GVK: GroupVersionKind = { apiVersion: "serving.knative.dev/v1", kind: "Service" }

  constructor(scope: Construct, id: string, props: KnativeServiceProps) {
    super(scope, id, { ...KnativeService.GVK, ...props })
  }
}
