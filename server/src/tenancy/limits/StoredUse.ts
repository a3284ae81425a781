import type { QuotaUse } from "@maxcloud/sdk/api"

/**
 * The use of quotas in the database and the data folder. The runtime knows that of logs, and each server that of its
 * streams.
 */
export type StoredUse = Omit<QuotaUse, "logBytes" | "streams">
