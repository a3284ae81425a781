/** JSON with these characters of its texts as escapes: the same value. `characters` is global, and has none that JSON itself needs. */
export const escapedJson = (json: string, characters: RegExp): string =>
  json.replace(characters, (each) =>
    each
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join("")
  )
