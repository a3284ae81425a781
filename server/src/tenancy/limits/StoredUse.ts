import type { QuotaUse } from "@maxcloud/sdk/api"

/** What counts against quotas in the database and the data folder: of logs the runtime knows, of streams the server that has them. */
export type StoredUse = Omit<QuotaUse, "logBytes" | "streams">
