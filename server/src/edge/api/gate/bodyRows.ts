import { HttpBody, HttpServerResponse } from "@effect/platform"
import { Stream } from "effect"
import { RowScope } from "../../../base/database/RowScope.ts"

/**
 * Streams an answer (events, logs, an export) under the tenant its handler saw. The handler has ended by the time the body is
 * written, and its fiber would then see the rows of all tenants.
 */
export const bodyWithRows = (
  response: HttpServerResponse.HttpServerResponse,
  rows: RowScope["Type"]
): HttpServerResponse.HttpServerResponse => {
  const { body } = response
  return body._tag === "Stream"
    ? HttpServerResponse.setBody(
        response,
        HttpBody.stream(Stream.provideService(body.stream, RowScope, rows), body.contentType, body.contentLength)
      )
    : response
}
