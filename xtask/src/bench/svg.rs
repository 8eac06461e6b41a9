//! What all pictures have.

/// How wide they are.
pub(super) const WIDTH: f64 = 900.0;

/// A picture of this height, with the size of its text, its style and what is in it.
pub(super) fn picture(height: f64, text: u8, style: &str, body: &str) -> String {
    let style = match style {
        "" => String::new(),
        style => format!("<style>{style}</style>\n"),
    };
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="{text}">
{style}<rect width="100%" height="100%" fill="white"/>
{body}</svg>
"#
    )
}
