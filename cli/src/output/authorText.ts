import type { Author } from "@maxcloud/sdk/api"
import { printable } from "./format.ts"

/** The creator of something; `-` for nobody, such as the user who started the server. */
export const authorText = (createdBy: Author | null): string =>
  createdBy === null ? "-" : printable(createdBy.name ?? createdBy.id)
