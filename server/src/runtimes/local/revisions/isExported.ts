import { readMarks } from "@maxcloud/synth"
import type { ServiceObject } from "../objects/ServiceObject.ts"

/**
 * Does the caller link to a service of another app, and does that app export it to the caller's? The same rule as in the
 * gateway's authorizer on a cluster.
 */
export const isExported = (caller: ServiceObject | undefined, callee: ServiceObject | undefined): boolean =>
  caller !== undefined &&
  callee !== undefined &&
  caller.key.organizationId === callee.key.organizationId &&
  readMarks(caller.manifest.metadata).externals.includes(`${callee.key.namespace}/${callee.key.service}`) &&
  readMarks(callee.manifest.metadata).exports.includes(caller.key.app)
