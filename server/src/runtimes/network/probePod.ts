import { label, type Manifest } from "@maxcloud/synth"
import type { ProbeTarget } from "./probe.ts"

/** On each probe pod: which verification it belongs to. */
export const probeLabel = "maxcloud.dev/probe"

/** How long a probe pod may run. */
export const probeSeconds = 50

export interface ProbePodInput {
  readonly name: string
  readonly namespace: string
  /** The service whose network identity it takes. */
  readonly service: string
  readonly run: string
  readonly image: string
  readonly args: ReadonlyArray<string>
  readonly targets: ReadonlyArray<ProbeTarget>
}

/**
 * A pod that is to the network what an instance of the service is: policies and the gateway's authorizer go by its namespace and label. It is
 * no instance: without `managed-by: maxcloud` nothing else takes it for one, and it gets no requests.
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
