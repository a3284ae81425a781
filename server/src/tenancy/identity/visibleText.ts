/**
 * Control characters, and those that change the direction of text or are invisible (Unicode: Cc, Cf, Zl, Zp, lone
 * surrogates).
 */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Cleans a name from somebody else for display: it can't hide or reorder the text around it. */
export const visibleText = (text: string): string => text.replace(invisible, "").replace(/\s+/g, " ").trim() || "?"
