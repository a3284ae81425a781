import type { ServiceName } from "@maxcloud/config-schema"
import type { EventObject } from "./objects.ts"

interface Labels {
  readonly labelOf: (kind: "pod" | "revision" | "service", namespace: string, name: string) => ServiceName | undefined
}

/**
 * The service that an event's object belongs to. What is not watched itself has its revision's name (Deployment and ReplicaSet with an ending,
 * PodAutoscaler, Image), or its service's (Configuration, Route, Ingress).
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
