import type { Manifest } from "@maxcloud/synth"

/** The user of the image (Containerfile), a uid that the Pod Security level `restricted` accepts. */
export const systemUser = 65_532

type Labels = Readonly<Record<string, string>>
type Metadata = Manifest["metadata"]

/** Replaces the instances of a program one by one. */
export const oneByOne = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }

/** On different nodes, if there are several. */
export const spread = (selector: Labels) => [
  {
    maxSkew: 1,
    topologyKey: "kubernetes.io/hostname",
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selector }
  }
]

export const seccompProfile = { type: "RuntimeDefault" }

export const podSecurity = { runAsNonRoot: true, runAsUser: systemUser, runAsGroup: systemUser, seccompProfile }

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] }
}

/** One instance stays while nodes are drained. */
export const oneStays = (metadata: Metadata, selector: Labels): Manifest => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata,
  spec: { minAvailable: 1, selector: { matchLabels: selector } }
})
