import { label, type Manifest } from "@maxcloud/synth"
import type { ProbeTarget } from "./probe.ts"

/** Label of each probe pod: the verification that it belongs to. */
export const probeLabel = "maxcloud.dev/probe"

/** How long a probe pod may run. */
export const probeSeconds = 50

export interface ProbePodInput {
  readonly name: string
  readonly namespace: string
  /** The service whose network identity it assumes. */
  readonly service: string
  readonly run: string
  readonly image: string
  readonly args: ReadonlyArray<string>
  readonly targets: ReadonlyArray<ProbeTarget>
}

/**
 * A pod that looks to the network like an instance of the service: policies and the gateway's authorizer use its namespace and
 * label. It isn't an instance: without `managed-by: maxcloud` nothing else treats it as one, and it gets no requests.
 */
export const probePod = ({ args, image, name, namespace, run, service, targets }: ProbePodInput): Manifest => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace,
    labels: {
      "app.kubernetes.io/managed-by": "maxcloud-probe",
      [label.service]: service,
      [probeLabel]: run
    }
  },
  spec: {
    restartPolicy: "Never",
    activeDeadlineSeconds: probeSeconds,
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      seccompProfile: { type: "RuntimeDefault" }
    },
    containers: [
      {
        name: "probe",
        image,
        args,
        env: [
          { name: "MAXCLOUD_PROBE", value: JSON.stringify(targets) },
          { name: "MAXCLOUD_NODE_ADDRESS", valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } }
        ],
        resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] }
        }
      }
    ]
  }
})
