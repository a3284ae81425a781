import { AppName, ServiceName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Time, TimeText } from "./time.ts"

/** Resources that a service's instances reserved over a period: each instance's limits multiplied by its lifetime, in whole milliseconds. */
export const ServiceUsage = Schema.Struct({
  app: AppName,
  stage: StageName,
  service: ServiceName,
  /** Instances that ran at any time in the period. */
  instances: Schema.Int,
  /** Instances that run now. */
  running: Schema.Int,
  instanceSeconds: Schema.Number,
  /** vCPU-seconds. */
  cpuSeconds: Schema.Number,
  /** GiB-seconds. */
  memoryGibSeconds: Schema.Number
}).annotations({ identifier: "ServiceUsage" })
export interface ServiceUsage extends Schema.Schema.Type<typeof ServiceUsage> {}

export const UsageReport = Schema.Struct({
  since: Time,
  until: Time,
  services: Schema.Array(ServiceUsage)
}).annotations({ identifier: "UsageReport" })
export interface UsageReport extends Schema.Schema.Type<typeof UsageReport> {}

/** The requested period. */
export const UsageParameters = Schema.Struct({
  /** @default "24h" */
  since: Schema.optional(TimeText),
  /** @default now */
  until: Schema.optional(TimeText)
})
export interface UsageParameters extends Schema.Schema.Type<typeof UsageParameters> {}
