import { HttpBody, HttpServerResponse } from "@effect/platform"
import { Stream } from "effect"
import { RowScope } from "../../../base/database/RowScope.ts"

/**
 * An answer that goes on (events, logs, an export) is written when its handler has ended, and by then the fiber shows the rows of everybody:
 * it goes on with those that its handler saw.
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
