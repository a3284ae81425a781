/**
 * The weight of a page in the site's search: pages for users rank above pages about the design. VitePress sends the function's
 * text to the browser, so the function can't use anything outside itself.
 */
export const searchWeight = (page: string): number => (/\/(?:decisions|internals|project)\//.test(page) ? 0.3 : 1)
