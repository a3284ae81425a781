import type {
  ApiKeyId,
  ApiKeyInfo,
  ApiKeyList,
  CreateApiKey,
  Forbidden,
  InvalidRequest,
  NewApiKey,
  NotFound,
  Page,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { Caller } from "../../access/Caller.ts"

/**
 * API keys of an organization. A key never has more rights than its creator: neither by role nor by scopes, nor after
 * the creator has left.
 */
export class ApiKeys extends Context.Tag("@maxcloud/server/ApiKeys")<
  ApiKeys,
  {
    readonly page: (
      caller: Caller,
      paging: ReturnType<typeof ApiKeyList.pagingOf>
    ) => Effect.Effect<Page<ApiKeyInfo>, InvalidRequest | Unavailable>
    readonly create: (caller: Caller, input: CreateApiKey) => Effect.Effect<NewApiKey, Forbidden | Unavailable>
    readonly rotate: (
      caller: Caller,
      id: ApiKeyId,
      overlapSeconds: number
    ) => Effect.Effect<NewApiKey, NotFound | Forbidden | Unavailable>
    /** Deletes the keys that it created too. */
    readonly remove: (caller: Caller, id: ApiKeyId) => Effect.Effect<void, NotFound | Unavailable>
  }
>() {}
