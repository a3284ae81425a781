import { AppName, ServiceName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** What the instances of a service have reserved in a time: of each, its limits times its life, whole milliseconds. */
export const ServiceUsage = Schema.Struct({
  app: AppName,
  stage: StageName,
  service: ServiceName,
  /** Instances that ran at some time in it. */
  instances: Schema.Int,
  /** Those that run now. */
  running: Schema.Int,
  instanceSeconds: Schema.Number,
  /** vCPU-seconds. */
  vcpuSeconds: Schema.Number,
  /** GiB-seconds. */
  gibSeconds: Schema.Number
}).annotations({ identifier: "ServiceUsage" })
export type ServiceUsage = typeof ServiceUsage.Type

export const UsageReport = Schema.Struct({
  since: Schema.String,
  until: Schema.String,
  services: Schema.Array(ServiceUsage)
}).annotations({ identifier: "UsageReport" })
export type UsageReport = typeof UsageReport.Type
