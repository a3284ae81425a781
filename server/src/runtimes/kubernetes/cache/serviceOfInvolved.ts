import type { ServiceName } from "@maxcloud/config-schema"
import type { EventObject } from "./objects.ts"

interface Labels {
  readonly labelOf: (kind: "pod" | "revision" | "service", namespace: string, name: string) => ServiceName | undefined
}

/**
 * The service of an event's object. Objects that aren't watched have their revision's name (Deployment and ReplicaSet with a
 * suffix, PodAutoscaler, Image), or their service's (Configuration, Route, Ingress).
 */
export const serviceOfInvolved =
  ({ labelOf }: Labels) =>
  (namespace: string, { kind, name }: EventObject["involvedObject"]): ServiceName | undefined => {
    if (kind === "Pod") {
      const own = labelOf("pod", namespace, name)
      if (own !== undefined) return own
    }
    return labelOf("revision", namespace, name.replace(/-deployment(-.*)?$/, "")) ?? labelOf("service", namespace, name)
  }
