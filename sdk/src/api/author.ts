import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"

/** Who created something: a person, or the key or the token that did it for them. */
export const Author = Schema.Struct({
  type: openEnum("person", "apiKey", "oidc"),
  /** The id of the person or key, or the `sub` of another issuer's token. */
  id: Schema.String,
  /** The person's e-mail address, the key's name, or the token's `sub`; null after the person was erased or the key deleted. */
  name: Schema.NullOr(Schema.String)
}).annotations({ identifier: "Author" })
export interface Author extends Schema.Schema.Type<typeof Author> {}
