import type { Response, ResponseOrRef } from "./responses.ts"

/** An answer of an operation, wherever the document has it. */
export const resolved = (
  document: { readonly components: { readonly responses: Readonly<Record<string, Response>> } },
  response: ResponseOrRef
): Response => {
  if (!("$ref" in response)) return response
  const found = document.components.responses[response.$ref.replace("#/components/responses/", "")]
  if (found === undefined) throw new Error(`The OpenAPI document has no ${response.$ref}.`)
  return found
}
