import { Unavailable } from "@maxcloud/sdk/api"
import type { MasterKeyError } from "./MasterKey.ts"

/** The answer to a request that needs a key which is temporarily unavailable. */
export const masterKeyUnavailable = ({ message }: MasterKeyError) =>
  new Unavailable({ detail: message, retryAfterSeconds: 5 })
