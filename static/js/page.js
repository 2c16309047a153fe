// What every page does; each part is a module of its own and does nothing where it has nothing to do.

import "./submit-once.js";
import "./copy.js";
import "./menu.js";
import "./errors.js";
