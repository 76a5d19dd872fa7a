//! A section is declared once, by [`settings!`]: struct, defaults, reading and documentation all come from it.

/// A section of the configuration, as it describes itself.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the generated page reads the rest"))]
pub(crate) struct Section {
    /// Its name, such as `server`.
    pub(crate) name: &'static str,
    /// What it is about, a line each.
    pub(crate) about: &'static [&'static str],
    /// Its settings, in the order declared.
    pub(crate) settings: &'static [Setting],
}

/// A setting, as it describes itself.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the generated page reads the rest"))]
pub(crate) struct Setting {
    /// Its name within the section, such as `listen`.
    pub(crate) key: &'static str,
    /// What it does, a line each.
    pub(crate) about: &'static [&'static str],
    /// What may be written.
    pub(crate) expects: fn() -> String,
    /// What counts where nothing is written, as it would be written.
    pub(crate) default: fn() -> String,
    /// What is said in place of `default`, where the default follows from something else.
    pub(crate) default_is: Option<&'static str>,
    /// Whether it is a secret: never echoed, and also read from a file named by `<key>_file`.
    pub(crate) secret: bool,
}

/// Declares a section: its name, its settings with their types and defaults.
///
/// A default that follows from other settings is `None`, and `otherwise "…"` says what follows.
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        $name:ident reads $section:literal {
            $(
                $(#[doc = $doc:literal])*
                $key:ident: $type:ty = $default:expr $(, otherwise $otherwise:literal)?;
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name {
            $($(#[doc = $doc])* pub(crate) $key: $type,)*
        }

        impl $name {
            /// The section, described.
            pub(crate) const SECTION: $crate::config::table::Section = $crate::config::table::Section {
                name: $section,
                about: &[$($about),*],
                settings: &[$($crate::config::table::Setting {
                    key: stringify!($key),
                    about: &[$($doc),*],
                    expects: <$type as $crate::config::value::Value>::expects,
                    default: || {
                        let value: $type = $default;
                        $crate::config::value::Value::to_text(&value)
                    },
                    default_is: {
                        let words: &[&str] = &[$($otherwise)?];
                        match *words {
                            [] => None,
                            [first, ..] => Some(first),
                        }
                    },
                    secret: <$type as $crate::config::value::Value>::SECRET,
                }),*],
            };

            /// Reads the section, noting what is wrong in `layers`.
            pub(crate) fn read(layers: &mut $crate::config::layers::Layers<'_>) -> Self {
                Self { $($key: layers.read($section, stringify!($key), || $default),)* }
            }
        }
    };
}

pub(crate) use settings;
