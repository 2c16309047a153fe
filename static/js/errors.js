// The summary of what is wrong in a form takes the focus, so that it is read and reached first.

document.querySelector("[data-focus]")?.focus();
