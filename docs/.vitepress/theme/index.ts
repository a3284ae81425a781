/** VitePress's own theme with the reader's own fonts: no download, and no jump of the text. */
import DefaultTheme from "vitepress/theme-without-fonts"
import "./style.css"

export default DefaultTheme
