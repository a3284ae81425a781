import type { Response, ResponseOrRef } from "./responses.ts"

/** An operation's answer, inline or by reference. */
export const resolved = (
  document: { readonly components: { readonly responses: Readonly<Record<string, Response>> } },
  response: ResponseOrRef
): Response => {
  if (!("$ref" in response)) return response
  const found = document.components.responses[response.$ref.replace("#/components/responses/", "")]
  if (found === undefined) throw new Error(`The OpenAPI document has no ${response.$ref}.`)
  return found
}
